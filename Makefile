# Thin: everything is in ./run.
.PHONY: run test
run:
	./run
test:
	./run test
