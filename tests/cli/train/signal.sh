# SIGTERM finishes the step and saves; resuming goes on from there
seq 40 | jq -c '{text: "number \(.)", label: (. % 2)}' > train.jsonl
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
train_file: train.jsonl
output_dir: out
max_steps: 100000
logging_steps: 1
END
: > log
tf-train -q -t 1 config.yaml >> log 2> /dev/null &
while [ "$(wc -l < log)" -lt 3 ]; do sleep 0.05; done
kill -TERM $!
{ wait $!; status=$?; } 2> /dev/null
echo "$status"
n=$(wc -l < log)
ls out | grep -c "^checkpoint-$n$"
tf-train -t 1 config.yaml resume_from_checkpoint=true max_steps=$((n + 2)) \
	save_strategy=no 2> /dev/null | jq -c "select(.step) | .step - $n"
