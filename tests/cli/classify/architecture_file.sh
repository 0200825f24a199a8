# a model in no registry, described by a file
golden=$SRC/tests/golden/models
cp -R $golden/bert acme && chmod -R u+w acme
sed -i 's/"model_type":"bert"/"model_type":"acme"/' acme/config.json
echo "I love this movie." > in
tf-classify -m acme < in; echo $?
echo '{"model_type": "acme", "like": "bert"}' > acme/architecture.json
tf-classify -m acme --only --columns label < in
mv acme/architecture.json row.json
tf-classify -m acme --arch row.json --only --columns label < in
