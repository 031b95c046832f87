# Imported first, so that pytest does not take the folders of these names around them for the packages.
import demo as demo
import loadtests as loadtests
import monolith as monolith

pytest_plugins = ["tests.support.postgres"]
