mkfifo in out
tf-measure < in > out &
exec 3> in 4< out
echo first >&3
read -r line <&4 && echo "$line"
printf 'second\nthird' >&3
read -r line <&4 && echo "$line"
exec 3>&-
read -r line <&4 && echo "$line"
wait $!
