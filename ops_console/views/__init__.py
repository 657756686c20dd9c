"""The pages that speak of the whole system: overview, system, search. They read every app, and write nothing."""
