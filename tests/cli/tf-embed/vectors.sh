# what is asked of the vectors, beside what the model's folder says
m=$SRC/tests/golden/pipelines/embed-mean
d=$SRC/tests/golden/pipelines/embed-cls-dense
echo no > in
tf-embed -m $m --only --dim 3 in | "$SRC/tests/cli/round"
tf-embed -m $m --only --dim 3 --no-normalize in | "$SRC/tests/cli/round"
for p in mean cls last; do
	tf-embed -m $m --only --pooling $p --dim 2 in | "$SRC/tests/cli/round"
done
tf-embed -m $m --only --pooling none --dim 2 in | "$SRC/tests/cli/round"
tf-embed -m $m --only --layer 0 --dim 2 in | "$SRC/tests/cli/round"
tf-embed -m $m --only --layer -2 --dim 2 in | "$SRC/tests/cli/round"
# little-endian float32 alone, a row a record
printf 'no\nyes\n' | tf-embed -m $m --format f32 | wc -c
tf-embed -m $m --dim 2 --format f32 in | od -An -tf4 --endian=little |
	"$SRC/tests/cli/round"
# prompts, and ids that have one already
tf-embed -m $d --only --dim 2 --prompt-name query in | "$SRC/tests/cli/round"
echo 'query: no' | tf-tokenize -m $d --only | tf-embed -m $d --only --dim 2 |
	"$SRC/tests/cli/round"
tf-embed -m $d --only --dim 2 --prompt-name= in | "$SRC/tests/cli/round"
tf-embed -m $d --prompt-name none in
tf-embed -m $m --dim 17 in 2>&1 | sed "s|$SRC/||"
tf-embed -m $m --layer 3 in
tf-embed -m $m --normalize --no-normalize in
# a folder without modules.json is pooled by the mean
tf-embed -m "$SRC/tests/golden/models/bert" --only --dim 2 in |
	"$SRC/tests/cli/round"
