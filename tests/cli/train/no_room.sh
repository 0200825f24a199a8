# without room for a checkpoint: an error, the one before is whole
cat > train.jsonl << END
{"text": "a warm funny film", "label": "good"}
{"text": "dull and long", "label": "bad"}
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
train_file: train.jsonl
output_dir: out
max_steps: 4
save_steps: 2
logging_strategy: "no"
END
tf-train -q config.yaml > log
rm -r out/checkpoint-4
cp out/checkpoint-2/model.safetensors whole
(
	ulimit -f 80
	tf-train -q config.yaml resume_from_checkpoint=true > log
	echo "$?"
)
ls -A out
cmp whole out/checkpoint-2/model.safetensors
tf-train -q config.yaml resume_from_checkpoint=true > log && ls -d out/check*
