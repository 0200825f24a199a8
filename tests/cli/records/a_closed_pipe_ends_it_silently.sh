mkfifo pipe
yes 2> /dev/null | tf-measure > pipe &
head -n 1 < pipe
wait $!
echo $?
(trap '' PIPE; yes 2> /dev/null | tf-measure > pipe; echo $?) &
head -n 1 < pipe
wait $!
