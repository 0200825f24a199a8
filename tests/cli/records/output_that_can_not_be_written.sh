echo a | tf-measure > /dev/full
echo $?
yes a | head -n 100000 | tf-measure > /dev/full
echo $?
echo a | tf-measure >&-
echo $?
tf-measure --help > /dev/full
