tf-measure <&-
