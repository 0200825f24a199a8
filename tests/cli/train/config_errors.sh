# each says what is wrong and ends with status 2
echo '{"text": "good", "label": 1}' > train.jsonl # no class 0
cat > config.yaml << END
model: $SRC/tests/golden/models/bert
train_file: train.jsonl
END
for word in learning_rat=1 learning_rate=fast max_steps=1.5 fp16=true \
	task=summarization eval_strategy=epoch lr_scheduler_type=none x seed=1; do
	tf-train --dry-run config.yaml "$word"
	echo "$?"
done
printf 'a: [1\n' > broken.yaml
tf-train broken.yaml
