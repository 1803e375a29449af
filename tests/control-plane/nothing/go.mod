module stowage.dev/nothing

go 1.24
