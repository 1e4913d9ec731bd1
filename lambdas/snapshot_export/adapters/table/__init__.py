"""The DynamoDB table: its items, and one method for each transaction."""
