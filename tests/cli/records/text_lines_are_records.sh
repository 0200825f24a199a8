printf 'one\n\nthree "q"\\\r\nlast' | tf-measure
