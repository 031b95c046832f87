"""The demo's page: the storefront, the system as it is now, the journey, the scenes, traces and logs at one address."""
