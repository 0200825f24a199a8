# tf-qa | tf-eval: answers that are the gold ones, and some that are not
m=$SRC/tests/golden/pipelines/qa-bert
t='Zoë Müller works at ACME in São Paulo, and José lives in Paris.'
for q in 'Who works?' 'Where does José live?'; do
	printf '{"question": "%s", "context": "%s"}\n' "$q" "$t"
done | tf-qa -m $m > asked
jq -c '{question, context, answers: {text: [.answer, "else"]}}' asked |
	tf-qa -m $m --prefix pred_ | tf-eval --task question-answering
jq -c '{question, context, answers: ["no such answer"]}' asked |
	tf-qa -m $m --prefix pred_ | tf-eval --task question-answering
