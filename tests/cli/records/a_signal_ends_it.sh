exec 2> /dev/null # some shells report the signal
mkfifo in
tf-measure < in > out &
exec 3> in
echo a >&3
while [ ! -s out ]; do sleep 0.01; done
kill -TERM $!
wait $! 2> /dev/null
echo $?
cat out
