"""QuickSight's API, and the identities under which it is called."""
