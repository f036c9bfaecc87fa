exports.handler = async (event) => ({ statusCode: 202 })
