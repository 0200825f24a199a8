# killed at whatever moment, a run goes on from its last checkpoint and ends as
# one that was left alone; it may be faster than the one who kills it
cat > train.jsonl << END
{"text": "a warm funny film", "label": "good"}
{"text": "dull and long", "label": "bad"}
{"text": "no", "label": "bad"}
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
train_file: train.jsonl
per_device_train_batch_size: 1
max_steps: 12
save_steps: 1
save_total_limit: 2
logging_steps: 1
END
tf-train -q config.yaml output_dir=alone > log
mkfifo lines
resume=false
for n in 2 3 2; do
	tf-train -q config.yaml output_dir=out resume_from_checkpoint=$resume \
		> lines &
	{
		for i in $(seq $n); do read -r line; done
		kill -9 $! 2> /dev/null
	} < lines
	wait $! 2> /dev/null
	case $? in 0 | 137) ;; *) echo "it failed" ;; esac
	resume=true
done
tf-train -q config.yaml output_dir=out resume_from_checkpoint=true > log
cmp alone/model.safetensors out/model.safetensors && ls -A out
