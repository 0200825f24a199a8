# every key of TrainingArguments is taken with its default, this release's and
# the one's before; another value has its effect, or is refused with the reason
cat > train.jsonl << END
{"text": "a warm funny film", "label": "good"}
{"text": "dull and long", "label": "bad"}
{"text": "no", "label": "bad"}
END
ln -s "$SRC/tests/golden/models/bert-no-prefix" bert
cat > config.yaml << END
model: bert
train_file: train.jsonl
validation_file: train.jsonl
per_device_train_batch_size: 1
max_steps: 7
save_strategy: "no"
logging_strategy: "no"
END
for version in 5.23 4.57; do
	cat "$SRC/tests/golden/arguments-$version.yaml" > all.yaml
	printf '%s: %s\n' model bert \
		train_file train.jsonl >> all.yaml
	tf-train --dry-run all.yaml | jq .max_steps
done
while read -r word; do
	tf-train --dry-run config.yaml "$word"
done << END
push_to_hub=true
deepspeed=ds.json
optim_target_modules=[attn]
neftune_noise_alpha=5
do_predict=true
activation_checkpointing_kwargs={every_n_layers: 2}
include_for_metrics=[inputs]
save_strategy=best
END

# what a 4.x script gives
tf-train --dry-run config.yaml evaluation_strategy=epoch no_cuda=true \
	adafactor=true dataloader_num_workers=4 disable_tqdm=true \
	overwrite_output_dir=true group_by_length=true hub_model_id=a/b \
	gradient_checkpointing_kwargs='{use_reentrant: false}' |
	jq -c '[.max_steps, .memory_bytes > .state_bytes]'

# a dry run writes nothing
tf-train -q --dry-run config.yaml report_to=tensorboard output_dir=dry > log
[ -e dry ] || echo clean
export TENSORBOARD_LOGGING_DIR=curves
tf-train -q config.yaml report_to=tensorboard output_dir=wet max_steps=1 > log
find curves -type f | wc -l

# when there are evaluations, and checkpoints of the best
evaluated() {
	tf-train -q config.yaml "$@" |
		jq -cn '[inputs | select(.eval_loss) | .step]'
}
evaluated eval_strategy=steps eval_steps=3
evaluated eval_strategy=steps eval_steps=3 eval_delay=4 eval_on_start=true
evaluated eval_strategy=epoch eval_delay=2
evaluated eval_strategy=steps eval_steps=3 save_strategy=best output_dir=out \
	learning_rate=0 metric_for_best_model=accuracy
ls out
tf-train -q config.yaml eval_strategy=epoch prediction_loss_only=true |
	jq -c 'select(.eval_loss) | has("eval_accuracy")'
