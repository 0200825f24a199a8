# 16-bit weights, stored or made so, change scores a little and labels not
golden=$SRC/tests/golden/models
for d in auto f32 bf16 f16; do
	echo "I love this movie." |
		tf-classify -m $golden/bert --dtype $d --columns label
done
echo "I love this movie." | tf-classify -m $golden/bert-bf16 --stats 2>&1 \
	> /dev/null | grep -o '"dtype": "[^"]*"'
