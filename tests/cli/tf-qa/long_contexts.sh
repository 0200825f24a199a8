# an answer is found in whatever window it stands; no word ends at a cut
m=$SRC/tests/golden/pipelines/qa-bert
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "the film was good %d ", i
	print "" }' > in
tf-qa -m $m --only --question 'What?' --top-k 2 --handle-impossible-answer in |
	"$SRC/tests/cli/round"
tf-qa -m $m --only --question 'What?' --doc-stride 0 in |
	"$SRC/tests/cli/round"
