# what can't be asked
m=$SRC/tests/golden/pipelines/qa-bert
cat > in <<'END'
{"question": "Where?"}
{"question": "", "context": "Here."}
{"question": "Where?", "context": ""}
{"question": "Where?", "context": " "}
{"question": ["Where?"], "context": "Here."}
END
tf-qa -m $m --only in
# a question that leaves no room for a context
echo 'Here and there.' | tf-qa -m $m --only --max-length 8 --doc-stride 2 \
	--question 'Where, in all the world, is it?'
# windows that would not advance
awk 'BEGIN { for (i = 0; i < 100; i++) printf "good "; print "" }' > long
tf-qa -m $m --only --max-length 20 --doc-stride 15 --question 'Where?' long
tf-qa -m $m --only --no-truncation --question 'Where?' long
for o in "--doc-stride 30 --max-length 20" "--top-k 0" \
	"--question a --context in" "--question=" "--context none"; do
	tf-qa -m $m $o < /dev/null
	echo $?
done
tf-qa -m "$SRC/tests/golden/pipelines/tag-bert" < /dev/null 2>&1 |
	sed "s|$SRC/||"
