# random models by a config: the same for the same seed, ready for every program
G=$SRC/tests/golden
tf-model init -m "$G/models/bert/config.json" -o one --tokenizer "$G/models/bert"
tf-model init -m "$G/models/bert" -o two > /dev/null
tf-model diff one two && echo the same
tf-model init -m "$G/models/bert" -o three --seed 7 > /dev/null
tf-model diff one three > /dev/null
echo "$?"
ls one
tf-model verify -m one
echo 'a warm film' | tf-classify -m one | jq -r '.label | length > 2'
tf-model init -m "$G/decoders/t5" -o t5 --task causal-lm | jq -c '[.task, .tensors > 40]'
tf-model init -m "$G/models/bert" -o mlm --task masked-lm | jq -r .task
jq -c .architectures mlm/config.json
tf-model init -m "$G/models/bert" --task lm -o four
