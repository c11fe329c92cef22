"""The simulators by field: what each is called on the wire and which commands it sends.

Names, images, paths in the images and commands are facts of the service's protocol.
"""
