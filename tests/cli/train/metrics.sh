# what an evaluation reports: metrics by name, or those a program makes
cat > train.csv << END
text,label
"a warm, funny film",good
dull and long,bad
the best of the year,good
i left after an hour,bad
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
train_file: train.csv
validation_file: train.csv
output_dir: out
max_steps: 80
learning_rate: 5e-3
per_device_train_batch_size: 4
eval_strategy: steps
eval_steps: 80
save_strategy: "no"
END
names() { # KEY=VALUE ...
	tf-train -q -t 1 config.yaml "$@" |
		jq -c 'select(.eval_loss) | del(.step, .epoch, .eval_loss, .eval_runtime,
			.eval_samples_per_second, .eval_steps_per_second)'
}
names metrics='[f1, accuracy, matthews_correlation]'
names compute_metrics="tee lines | tf-eval --task classification --prediction prediction \
	--reference reference | jq -c '{accuracy, eval_right: .n}'"
jq -c '[.prediction, .reference, (.logits | length)]' lines
echo '{"tokens": ["in", "london"], "ner_tags": ["O", "B-LOC"]}' > tags.jsonl
names compute_metrics='jq -cs "{first: .[0].reference | length}"' task=token-classification \
	train_file=tags.jsonl validation_file=tags.jsonl max_steps=1 eval_steps=1
for m in 'exit 7' 'echo no' 'echo "{\"a\": [1]}"' 'kill -9 $$'; do
	tf-train -q config.yaml max_steps=1 eval_steps=1 compute_metrics="$m" > log
	echo "$?"
done
tf-train -q config.yaml metrics='[f1, speed]'
tf-train -q config.yaml task=causal-lm compute_metrics=cat
