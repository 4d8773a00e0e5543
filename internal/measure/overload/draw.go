package main

func draw([]curve) []byte { return nil }
