printf '\357\273\277{"text":"with a mark"}\n' > mark
printf ' \n\n\t{"text":"after blanks"}\n' > blanks
printf '\n\n' > empty_lines
: > empty
printf '{not json' > text
tf-measure --only mark blanks empty_lines empty
echo
tf-measure --input text mark text
tf-measure --input jsonl -q text
printf 'a\nb\0\0c\r' | tf-measure -0
printf 'a\nb\0' | tf-measure --null - mark
tf-measure -0 --input jsonl
