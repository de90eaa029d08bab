"""What is in a folder of labelled faces, told before anything is trained."""
