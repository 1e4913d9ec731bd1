"""The steps of the way of one export. The order of a flow's writes is its crash safety."""
