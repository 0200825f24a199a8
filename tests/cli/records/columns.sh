printf '%s\n' '{"text":"a\tb\\\n","list":1,"n":null,"o":{"k" : [1, "x y"]}}' '{"text":"fail"}' '{"text":"b","z":true}' > in
tf-measure --format tsv in
tf-measure --format=tsv --columns text,bytes,n,o,z,none in
tf-measure --format tsv --prefix p_ --columns list,p_list in
tf-measure --columns bytes,text,none in
tf-measure --format tsv --alone in -q
