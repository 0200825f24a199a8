# learning rates that follow the metric: halved whenever it is not better, and
# gone on with by a run that is resumed
cat > train.jsonl << END
{"text": "a warm funny film", "label": "good"}
{"text": "dull and long", "label": "bad"}
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
train_file: train.jsonl
validation_file: train.jsonl
output_dir: out
max_steps: 8
per_device_train_batch_size: 2
learning_rate: 8e-6
logging_steps: 1
eval_strategy: steps
eval_steps: 2
save_steps: 4
lr_scheduler_type: reduce_lr_on_plateau
lr_scheduler_kwargs: {factor: 0.5, patience: 0, threshold: 0.5}
END
tf-train -q config.yaml | jq -c 'select(.loss) | .learning_rate' > whole
cat whole
tf-train -q config.yaml resume_from_checkpoint=out/checkpoint-4 |
	jq -c 'select(.loss) | .learning_rate' > rest
tail -n 4 whole | cmp - rest

tf-train -q config.yaml lr_scheduler_type=greedy \
	lr_scheduler_kwargs='{factor: 0.5, patience: 0, min_lr: 1e-9}' |
	jq -c 'select(.loss) | .learning_rate > 0' | sort -u
tf-train -q config.yaml eval_strategy=no
echo "$?"
