using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Tests.Processes;

public class DescriptorSocketTests
{
    [Fact]
    public void Send_WithDescriptors_ReceiverUsesThem()
    {
        (int first, int second) = CreatePair();
        (int read, int write) = Files.CreatePipe();

        Assert.Equal(3, DescriptorSocket.Send(first, "abc"u8, [read, write]));
        byte[] buffer = new byte[16];
        int[] received = new int[4];
        Assert.Equal(3, DescriptorSocket.Receive(second, buffer, received, out int count));

        Assert.Equal(2, count);
        Assert.Equal("abc"u8, buffer.AsSpan(0, 3));
        Descriptor.Write(received[1], "through"u8);
        Assert.Equal(7, Descriptor.Read(read, buffer));
        Close(first, second, read, write, received[0], received[1]);
    }

    [Fact]
    public void Receive_MostDescriptorsOfOneMessage_AllArrive()
    {
        (int first, int second) = CreatePair();
        int[] sent = new int[DescriptorSocket.MaxDescriptors];
        Array.Fill(sent, first);

        DescriptorSocket.Send(first, "x"u8, sent);
        int[] received = new int[sent.Length];
        Assert.Equal(1, DescriptorSocket.Receive(second, new byte[1], received, out int count));

        Assert.Equal(sent.Length, count);
        Close([first, second, .. received]);
    }

    [Fact]
    public void Receive_MessageLargerThanBuffer_IsRefusedAndItsDescriptorsClosed()
    {
        (int first, int second) = CreatePair();
        (int read, int write) = Files.CreatePipe();
        DescriptorSocket.Send(first, "too long"u8, [write]);
        Descriptor.Close(write);

        Assert.Equal(-(int)Errno.EMSGSIZE, DescriptorSocket.Receive(second, new byte[3], new int[1], out int count));

        Assert.Equal(0, count);
        // Nobody holds the writing end any more.
        Assert.Equal(0, Descriptor.Read(read, new byte[1]));
        Close(first, second, read);
    }

    [Fact]
    public void Receive_MoreDescriptorsThanExpected_AreAllClosed()
    {
        (int first, int second) = CreatePair();
        (int read, int write) = Files.CreatePipe();
        DescriptorSocket.Send(first, "x"u8, [write, write]);
        Descriptor.Close(write);

        Assert.Equal(-(int)Errno.EMSGSIZE, DescriptorSocket.Receive(second, new byte[3], new int[1], out _));

        Assert.Equal(0, Descriptor.Read(read, new byte[1]));
        Close(first, second, read);
    }

    [Fact]
    public void Receive_NothingThere_SaysSo_AndTheEndIsZero()
    {
        (int first, int second) = CreatePair();

        Assert.Equal(-(int)Errno.EAGAIN, DescriptorSocket.Receive(second, new byte[3], [], out _));
        Descriptor.Close(first);
        Assert.Equal(0, DescriptorSocket.Receive(second, new byte[3], [], out _));
        Descriptor.Close(second);
    }

    private static (int First, int Second) CreatePair()
    {
        Assert.Equal(Errno.None, DescriptorSocket.TryCreatePair(out int first, out int second));
        return (first, second);
    }

    private static void Close(params int[] descriptors)
    {
        foreach (int fd in descriptors) Descriptor.Close(fd);
    }
}
