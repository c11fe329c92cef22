"""Simulators by field, with their names in the API and their commands.

Names, images, paths in the images and commands are facts of the service's protocol.
"""
