/**
 * The room's messages by data channel with the daemon: what is reliable by `room`, what may be lost by
 * `pointer`. Each way is used while its channel is open; the WebSocket is for the rest.
 */

/** By the channel's label, how much may wait to be sent before a message is dropped. */
const MOST_WAITING = { room: Infinity, pointer: 16 * 1024 };

/**
 * @param {object} on
 * @param {(message: {type: string}) => void} on.message
 * @param {() => void} on.change a way that must not lose anything has opened or closed
 */
export function createChannels({ message: hear, change }) {
  const channels = new Map();

  function listen(channel) {
    const { label } = channel;
    const isCurrent = () => channels.get(label) === channel;
    const told = () => isCurrent() && label === 'room' && change();
    channel.addEventListener('open', told);
    channel.addEventListener('close', () => {
      told();
      if (isCurrent()) channels.delete(label);
    });
    channel.addEventListener('message', ({ data }) => {
      if (!isCurrent() || typeof data !== 'string') return;
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return;
      }
      if (typeof message?.type === 'string') hear(message);
    });
    if (channel.readyState === 'open') told();
  }

  return {
    /** Takes a channel of the daemon's. @param {RTCDataChannel} channel @returns {boolean} whether it is one of these */
    add(channel) {
      if (!Object.hasOwn(MOST_WAITING, channel.label)) return false;
      channels.set(channel.label, channel);
      listen(channel);
      return true;
    },
    /** @returns {boolean} whether it has been taken; otherwise it has to go another way */
    send(message, { label }) {
      const channel = channels.get(label);
      if (channel?.readyState !== 'open') return false;
      // It would come too late to mean anything.
      if (channel.bufferedAmount > MOST_WAITING[label]) return true;
      try {
        channel.send(JSON.stringify(message));
        return true;
      } catch {
        return false;
      }
    },
    /** The connection is over: so are they, whether the browser tells or not. @returns {boolean} whether there were any */
    clear() {
      const some = channels.size > 0;
      channels.clear();
      return some;
    },
  };
}
