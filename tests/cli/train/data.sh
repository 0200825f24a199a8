# what a run learns from each form of data: the names of its labels, in order
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
output_dir: out
max_steps: 1
END
labels() { # train_file [KEY=VALUE ...]
	tf-train -q config.yaml train_file="$@" > /dev/null &&
		jq -c '[.id2label[]], .problem_type' out/config.json
}
labels "$SRC/tests/golden/parquet/classes.parquet"
labels "$SRC/tests/golden/parquet/classes.parquet" label_column=score
# as save_to_disk() writes a set of splits
mkdir -p saved/train
cp "$SRC/tests/golden/arrow/classes.arrow" saved/train/data-00000-of-00001.arrow
echo '{}' | tee saved/train/state.json > saved/dataset_dict.json
labels saved
mkdir -p films/pos films/neg
echo 'a warm, funny film' | tee films/pos/1.txt > films/pos/2.txt
echo 'dull and long' > films/neg/1.txt
labels films
printf 'label\ttext\nno\t"one\ttwo"\nyes\tthree\n' | gzip > words.tsv.gz
labels words.tsv.gz
tf-train -q config.yaml train_file=films/pos
echo "$?"
printf '{"text": "a", "label": "x"}\n{"text": "b"}\n' > bad.jsonl
tf-train -q config.yaml train_file='[films, bad.jsonl]'
echo "$?"
