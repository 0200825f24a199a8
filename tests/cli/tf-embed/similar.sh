# the records of a file that are nearest; they are embedded, or bring a vector
m=$SRC/tests/golden/pipelines/embed-mean
cat > notes <<'END'
The film was good.
A "bad" film.
no
Où est la forêt? 😀
END
echo 'The film was good.' > in
tf-embed -m $m --similar notes --top-k 2 in | "$SRC/tests/cli/round"
tf-embed -m $m notes > vectors
tf-embed -m $m --similar vectors --top-k 9 --only in | "$SRC/tests/cli/round"
# by the cosine, whatever their lengths; no text where there is none
echo '{"embedding": [2, 0, 0], "id": 1}
{"embedding": [0.5, 0.1, 0]}
{"embedding": [-1, 0, 0]}' > plain
tf-embed -m $m --dim 3 --similar plain --only in | "$SRC/tests/cli/round"
: > none
tf-embed -m $m --similar none in
tf-embed -m $m --similar plain in
tf-embed -m $m --similar absent in
tf-embed -m $m --similar notes --format f32 in
tf-embed -m $m --similar notes --pooling none in
