"""S3: files, manifests, and what is made of files on their way."""
