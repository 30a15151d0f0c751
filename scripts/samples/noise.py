"""x"""
def build(packages, folder):
    return []
