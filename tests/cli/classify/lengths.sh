# a long text is cut, or an error when it must not be
m=$SRC/tests/golden/models/bert-no-prefix
awk 'BEGIN { for (i = 0; i < 100; i++) printf "good "; print "" }' > in
tf-classify -m $m --only < in | "$SRC/tests/cli/round"
tf-classify -m $m --only --max-length 1000 < in | "$SRC/tests/cli/round"
tf-classify -m $m --only --max-length 5 < in | "$SRC/tests/cli/round"
tf-classify -m $m --only --max-length 1 < in
tf-classify -m $m --only --no-truncation < in
