# a sentence-transformers model keeps its modules
m=$SRC/tests/golden/pipelines/embed-cls-dense
tf-model convert -m $m -o out | jq -c .files
(cd out && ls -d */ && ls */)
for d in $m out; do
	echo a good film | tf-embed -m $d --only
done | uniq | wc -l
