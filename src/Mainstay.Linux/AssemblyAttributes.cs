// Every P/Invoke here passes blittable values only: no marshalling stub, no reflection.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
