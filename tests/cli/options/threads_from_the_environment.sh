for n in 1 3; do
    TF_THREADS=$n tf-measure --stats < /dev/null 2>&1 | grep -o '"threads": .*[0-9]'
done
TF_THREADS=3 tf-measure -t 2 --stats < /dev/null 2>&1 | grep -o '"threads": .*[0-9]'
