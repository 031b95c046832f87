from service_kit.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """Nothing beside what every service with a database has."""
