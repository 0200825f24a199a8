# the best label with its score; all of them; the numbers behind them
m=$SRC/tests/golden/models/bert
printf 'I love this movie.\n\nIs it good?\n' > in
tf-classify -m $m < in | "$SRC/tests/cli/round"
tf-classify -m $m --only --top-k 0 < in | "$SRC/tests/cli/round"
tf-classify -m $m --only --top-k 2 --logits < in | "$SRC/tests/cli/round"
tf-classify -m $m --format tsv --columns label,text < in
