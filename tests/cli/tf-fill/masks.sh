# one mask gives a list of predictions, several give a list of lists
m=$SRC/tests/golden/pipelines/fill-bert
echo 'The film was [MASK].' > in
tf-fill -m $m --only --top-k 2 in | "$SRC/tests/cli/round"
echo 'The [MASK] was [MASK].' | tf-fill -m $m --only --top-k 1 |
	"$SRC/tests/cli/round"
tf-fill -m $m --only --targets the,film,the in | "$SRC/tests/cli/round"
# a target of several tokens is its first
tf-fill -m $m --only --targets filmed in | "$SRC/tests/cli/round"
tf-tokenize -m $m --only in | tf-fill -m $m --only --top-k 2 |
	"$SRC/tests/cli/round"
cat > bad <<'END'
{"text": "no mask"}
{"input_ids": [5]}
{"text": ""}
END
tf-fill -m $m --only bad
tf-fill -m $m --targets , in
tf-fill -m "$SRC/tests/golden/pipelines/tag-bert" in 2>&1 | sed "s|$SRC/||"
tf-fill in
