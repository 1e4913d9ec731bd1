"""One file per Lambda function: event in, one flow called, answer out."""
