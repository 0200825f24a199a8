# without room: an error that says how to go on, what was there before is whole
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
cp -R out whole
(
	ulimit -f 80
	tf-train -q config.yaml resume_from_checkpoint=true > log
	echo "$?"
	tf-train -q config.yaml save_strategy=no labels='[good, bad]' > log
	echo "$?"
	tf-train -q config.yaml output_dir=new > log
	echo "$?"
)
diff -r whole out
ls -A new
tf-train -q config.yaml resume_from_checkpoint=true > log && ls -d out/check*

# lines that go nowhere cost no model
tf-train -q config.yaml output_dir=deaf > /dev/full
echo "$?"
cmp out/model.safetensors deaf/model.safetensors
jq '.log_history | length' deaf/trainer_state.json
