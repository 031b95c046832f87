"""What the control plane gives the proxies, in a form that can be compared between the runtimes."""
