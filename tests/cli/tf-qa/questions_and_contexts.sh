# a question with its context, one question for all, one context for all
m=$SRC/tests/golden/pipelines/qa-bert
text='My name is Zoë 😀 and I live in London.'
echo "{\"question\": \"Where?\", \"context\": \"$text\"}" > pair
echo "{\"q\": \"Where?\", \"c\": \"$text\", \"answer\": \"gold\"}" > named
tf-qa -m $m --only pair > 1
tf-qa -m $m --only --question-field q --context-field c named > 2
echo "$text" | tf-qa -m $m --only --question 'Where?' > 3
printf %s "$text" > context
echo 'Where?' | tf-qa -m $m --only --context context > 4
cmp 1 2 && cmp 1 3 && cmp 1 4 && "$SRC/tests/cli/round" 1
tf-qa -m $m --question-field q --context-field c --prefix pred_ named |
	"$SRC/tests/cli/round"
tf-qa -m $m --only --top-k 2 pair | "$SRC/tests/cli/round"
# only one question that is too long to see
tf-qa -m $m --only --max-question-length 1 --question 'the best?' pair > 5
tf-qa -m $m --only --question the pair > 6
cmp 5 6
