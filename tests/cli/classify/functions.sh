# scores by each function; auto follows problem_type and the number of labels
models=$SRC/tests/golden/models
for m in bert bert-multi-label bert-regression; do
	for f in auto softmax sigmoid none; do
		echo "I love this movie." |
			tf-classify -m $models/$m --function $f --only -k 0 |
			"$SRC/tests/cli/round"
	done
done
