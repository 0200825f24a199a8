# a few records are learned by heart, and tf-classify reads the result
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
evaluation_strategy: steps
eval_steps: 80
logging_steps: 80
save_strategy: "no"
END
tf-train -t 1 config.yaml 2> /dev/null | jq -c 'if .eval_accuracy then .eval_accuracy else keys end'
echo 'dull and long' | tf-classify -m out | jq -r .label
jq -c '[.architectures, .id2label, .problem_type]' out/config.json
ls out
