"""The storage of reports: the facts as questions sum them, and the projection that fills them."""
